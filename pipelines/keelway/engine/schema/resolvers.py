"""All fields that this engine answers."""

from __future__ import annotations

from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.resolve_address import ADDRESS
from keelway.engine.schema.resolve_build import BUILD
from keelway.engine.schema.resolve_changes import CHANGES
from keelway.engine.schema.resolve_container import CONTAINER
from keelway.engine.schema.resolve_container_files import FILES
from keelway.engine.schema.resolve_directory import DIRECTORY
from keelway.engine.schema.resolve_engine import ENGINE
from keelway.engine.schema.resolve_envfile import ENV_FILE
from keelway.engine.schema.resolve_exec import EXEC
from keelway.engine.schema.resolve_file import FILE
from keelway.engine.schema.resolve_git import GIT
from keelway.engine.schema.resolve_git_commit import GIT_COMMIT
from keelway.engine.schema.resolve_healthcheck import HEALTHCHECK
from keelway.engine.schema.resolve_host import HOST
from keelway.engine.schema.resolve_image import IMAGE
from keelway.engine.schema.resolve_json import JSON
from keelway.engine.schema.resolve_query import QUERY
from keelway.engine.schema.resolve_search import SEARCH
from keelway.engine.schema.resolve_secret import SECRET
from keelway.engine.schema.resolve_service import SERVICE
from keelway.engine.schema.resolve_sockets import SOCKETS
from keelway.engine.schema.resolve_terminal import TERMINAL
from keelway.engine.schema.resolve_web import WEB

RESOLVERS = Resolvers().include(
    QUERY,
    CONTAINER,
    HEALTHCHECK,
    FILES,
    EXEC,
    IMAGE,
    DIRECTORY,
    FILE,
    HOST,
    SECRET,
    BUILD,
    SERVICE,
    SOCKETS,
    TERMINAL,
    WEB,
    GIT,
    GIT_COMMIT,
    CHANGES,
    SEARCH,
    ADDRESS,
    ENGINE,
    ENV_FILE,
    JSON,
)
