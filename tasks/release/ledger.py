"""The ledger: what was decided, by whom, on what evidence; rows that are appended and never changed, in SQLite or Postgres.

Each row holds its event as canonical JSON together with the hash of the model's row before it, and the hash of that text: `verify`
finds an edit, a deletion in the middle, a broken link. It cannot find a tail cut off, nor a table rewritten from some row on by
somebody who may write it: against those, keep the head's hash elsewhere too.
Not here: what follows from the events (standing.py), who may decide (people), what MLflow shows of it (projection).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import rfc8785
from sqlalchemy import Column, Connection, Integer, MetaData, Row, Select, Table, Text, create_engine, insert, inspect, select
from sqlalchemy.ddl import DDL
from sqlalchemy.engine import URL, make_url
from sqlalchemy.event import listen
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool
