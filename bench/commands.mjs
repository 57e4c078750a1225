/** Answers `{ id, command, args }` from the parent process with `{ id, result }` or `{ id, error }`. */
export function answerCommands(run) {
  process.on('message', async ({ id, command, args }) => {
    try {
      process.send({ id, result: await run(command, args) });
    } catch (error) {
      process.send({ id, error: error.stack });
    }
  });
  process.on('disconnect', () => process.exit());
}
