import pytest
from postgres_store import PostgresDatabase


@pytest.fixture
async def database(postgres):
    """An empty database in fake time."""
    database = PostgresDatabase(postgres, "several")
    await database.prepare()
    yield database
    await database.close()
