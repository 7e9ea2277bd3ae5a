"""The people's side: the command line and the pictures it makes."""
