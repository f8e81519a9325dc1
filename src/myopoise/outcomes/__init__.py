"""What response means: instruments, published definitions, and the code that applies them to visits."""
