import fc from 'fast-check';

// What properties are asked with: the same in every run, so that a run fails for what was changed and for nothing else. Other values are
// looked for on purpose: PROPERTY_SEED=4711 npm run test:unit.
fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed: Number(process.env['PROPERTY_SEED'] ?? 1),
});
