"""The ledger of model calls: money, the record of an attempt, the archive on disk and reports over it."""
