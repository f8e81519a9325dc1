"""Studies of any kind, as a file holds them: arms and contrasts, read from the layouts the field uses, and checked."""
