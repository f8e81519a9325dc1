"""Files of visits, patients and scores: every format, in and out, and nothing about what the numbers mean."""
