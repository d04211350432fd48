"""The spec of a data set: one frozen record, read from a TOML file."""

from simulate.spec.record import Spec, load_spec, spec_names

__all__ = ["Spec", "load_spec", "spec_names"]
