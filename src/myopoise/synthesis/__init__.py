"""What the studies say together: one family of models, one inference, three readings."""
