import { IsNumber } from 'class-validator';
import { Serializable } from 'nestjs-streaming';

@Serializable()
export class Point {
  @IsNumber()
  x: number;

  @IsNumber()
  y: number;

  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}
