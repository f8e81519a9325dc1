"""Builders: each model of the field as one member of the latent Gaussian family.

A *structure* says how treatment effects enter (`structures`); `assembly` puts it together with what studies report, how
they vary and how they begin; `arms` is the short way for a list of arms.
"""
