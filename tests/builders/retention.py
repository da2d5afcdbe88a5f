"""Builders for rules of retention."""

from typing import Any

from graph.domain.model.retention import RetentionRule


def rule(days: int, **about: Any) -> RetentionRule:
    """A rule, or a hold, with a reason."""
    return RetentionRule(days=days, reason="the law says so", **about)
