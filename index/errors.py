"""What can be wrong with a store or a checkpoint; every message names the thing, every hint the next step."""

from ingest.errors import SpanwiseError


class StoreError(SpanwiseError):
    """A store cannot be used as asked."""


class StoreNotFound(StoreError):
    """There is no store in this folder."""


class StoreVersionMismatch(StoreError):
    """The store was written by another version of the schema."""


class StoreLocked(StoreError):
    """Another process is writing to this store."""


class StoreReadOnly(StoreError):
    """The store's folder cannot be written to."""


class ModelMismatch(StoreError):
    """The store's vectors come from another encoder than the one given."""


class ModelError(SpanwiseError):
    """A checkpoint cannot be loaded."""


class ModelNotFound(ModelError):
    """There is no such checkpoint in this folder, in the cache or (if allowed) on the hub."""


class DataError(SpanwiseError):
    """A question, judgement or collection file is not in the form it should have."""
