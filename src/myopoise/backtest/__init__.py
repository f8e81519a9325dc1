"""What the evidence of each past year would have predicted of the results published later, and how good that was."""
