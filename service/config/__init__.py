"""Settings, rules.toml and attributes.toml."""
