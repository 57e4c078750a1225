// Prints the exports that are another thing by require() than by import().
const entries = ['nestjs-streaming', 'nestjs-streaming/client', 'nestjs-streaming/testing'];

async function findDifferent(entry) {
  const required = require(entry);
  const imported = await import(entry);
  const names = Object.keys(imported).filter(
    (name) => name !== 'default' && name !== 'module.exports',
  );
  if (names.length === 0) return [`${entry} exports nothing`];
  return names
    .filter((name) => imported[name] !== required[name])
    .map((name) => `${entry} ${name}`);
}

Promise.all(entries.map(findDifferent)).then((different) =>
  console.log(JSON.stringify(different.flat())),
);
