/** What decorators do, without their syntax: the benchmarks run as they are, without a compiler. */
export function decorate(model, properties) {
  for (const [property, decorators] of Object.entries(properties)) {
    for (const decorator of decorators) decorator(model.prototype, property);
  }
}
