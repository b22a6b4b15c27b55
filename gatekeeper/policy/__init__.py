"""The TOML file: what the operator says, validated, and compiled into a look-up whose cost does not grow with the
rules.

Reading order: :mod:`document` (what a file means), :mod:`schema` and :mod:`load` (text to document, or all problems at
once), :mod:`matcher` (a name's rule), :mod:`verdict` (what follows for one cookie), :mod:`review` (what is legal and
looks wrong).
"""
