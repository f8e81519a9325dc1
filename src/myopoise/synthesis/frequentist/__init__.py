"""Frequentist meta-analysis: pairwise and network, with nothing drawn at random."""
