import { IsNumber } from 'class-validator';
import { Serializable } from 'nestjs-streaming';

@Serializable()
export class Point {
  @IsNumber()
  x: number;

  @IsNumber()
  y: number;

  constructor(x = 0, y = 0) {
    this.x = x;
    this.y = y;
  }
}
