/** The role does not suffice: nothing to do. */
