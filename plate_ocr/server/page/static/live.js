/** What is seen now. */
