"""Who is who: the resolution rule, the incremental step, explanations. Imports only the model."""
