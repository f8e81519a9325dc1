"""What is asked once a patient: which disease it is, and whether it is refractory."""
