/** The variable by which a worker is told which mutation it runs. */
export const mutationEnvironment = 'BINRAFT_MUTATION';

/** How a worker ends whose mutation is in a module that it never loads. */
export const notPlantedStatus = 97;
