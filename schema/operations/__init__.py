"""Inputs, queries, mutations and subscriptions, one file a noun."""
