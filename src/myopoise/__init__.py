"""myopoise: which treatment next for refractory polymyositis and dermatomyositis, and how sure we are."""
