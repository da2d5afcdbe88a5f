"""Identity resolution: the rule, the incremental step, explanations. Imports only the model."""
