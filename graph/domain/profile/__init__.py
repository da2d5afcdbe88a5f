"""What follows from facts: attributes, consent, journeys, metrics. Imports only the model."""
