"""OpenDSR (formerly OpenGDPR): requests of people that tools of controllers send, over the actions of the graph."""
