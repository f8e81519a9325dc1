"""What the synthesis means for one group of patients: options, how sure, and when nobody can say."""
