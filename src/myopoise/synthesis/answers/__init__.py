"""What is asked of a finished network synthesis: other scales, populations, thresholds, ranks, checks, influence.

Each verb takes a `NetworkSynthesis` (or the network and the model, where it must be fitted again) and returns a value;
nothing here prints. An effect is always of the first treatment of a pair against the second.
"""
