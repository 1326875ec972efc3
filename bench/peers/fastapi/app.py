"""The two routes as a team writes them with FastAPI: verify the session token with Clerk's public key, read the user's row,
answer; verify the webhook's signature, write the user, answer. Settings come by the environment:

    POOL_SIZE (connections of each worker), DATABASE_URL (postgresql+asyncpg://…), CLERK_JWT_KEY (PEM), CLERK_ISSUER,
    CLERK_AUTHORIZED_PARTY, CLERK_WEBHOOK_SECRET

    uvicorn app:app --workers 2 --loop uvloop --http httptools --no-access-log
"""

import json
import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import DateTime, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from svix.webhooks import Webhook, WebhookVerificationError

KEY = load_pem_public_key(os.environ["CLERK_JWT_KEY"].encode())
ISSUER = os.environ["CLERK_ISSUER"]
PARTY = os.environ["CLERK_AUTHORIZED_PARTY"]
WEBHOOK = Webhook(os.environ["CLERK_WEBHOOK_SECRET"])
MAX_PORTFOLIOS = 1
MAX_AI_MESSAGES = 20

engine = create_async_engine(
    os.environ["DATABASE_URL"], pool_size=int(os.environ["POOL_SIZE"]), max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}


class User(Base):
    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    clerk_user_id: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str | None]
    email_verified: Mapped[bool]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    image_url: Mapped[str | None]
    role: Mapped[str]
    role_source: Mapped[str]
    tier: Mapped[str]
    tier_source: Mapped[str]
    organization: Mapped[str | None]
    public_metadata: Mapped[dict[str, Any]]
    preferences: Mapped[dict[str, Any]]
    invite_validated: Mapped[bool]
    is_active: Mapped[bool]
    portfolio_id: Mapped[uuid.UUID | None]
    portfolio_count: Mapped[int]
    ai_messages_used: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class Limits(BaseModel):
    max_portfolios: int
    max_ai_messages: int
    ai_messages_used: int
    ai_messages_remaining: int


class Me(BaseModel):
    id: uuid.UUID
    clerk_user_id: str
    email: str | None
    email_verified: bool
    first_name: str | None
    last_name: str | None
    full_name: str | None
    image_url: str | None
    role: str
    role_source: str
    tier: str
    tier_source: str
    organization: str | None
    invite_validated: bool
    is_active: bool
    preferences: dict[str, Any]
    portfolio_id: uuid.UUID | None
    portfolio_count: int
    limits: Limits
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None


app = FastAPI()
bearer = HTTPBearer(auto_error=False)


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


async def caller(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> str:
    if credentials is None:
        raise HTTPException(401, "no token")
    try:
        claims = jwt.decode(
            credentials.credentials,
            KEY,
            algorithms=["RS256"],
            issuer=ISSUER,
            leeway=5,
            options={"require": ["exp", "iat", "sub"]},
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "invalid token") from error
    if claims.get("azp") != PARTY:
        raise HTTPException(401, "the token was issued for another site")
    return claims["sub"]


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/me")
async def me(
    clerk_user_id: Annotated[str, Depends(caller)],
    database: Annotated[AsyncSession, Depends(session)],
) -> Me:
    user = await database.scalar(select(User).where(User.clerk_user_id == clerk_user_id))
    if user is None:
        raise HTTPException(404, "no such user")
    names = [name for name in (user.first_name, user.last_name) if name]
    return Me(
        id=user.id,
        clerk_user_id=user.clerk_user_id,
        email=user.email,
        email_verified=user.email_verified,
        first_name=user.first_name,
        last_name=user.last_name,
        full_name=" ".join(names) or None,
        image_url=user.image_url,
        role=user.role,
        role_source=user.role_source,
        tier=user.tier,
        tier_source=user.tier_source,
        organization=user.organization,
        invite_validated=user.invite_validated,
        is_active=user.is_active,
        preferences=user.preferences,
        portfolio_id=user.portfolio_id,
        portfolio_count=user.portfolio_count,
        limits=Limits(
            max_portfolios=MAX_PORTFOLIOS,
            max_ai_messages=MAX_AI_MESSAGES,
            ai_messages_used=user.ai_messages_used,
            ai_messages_remaining=max(0, MAX_AI_MESSAGES - user.ai_messages_used),
        ),
        created_at=user.created_at,
        updated_at=user.updated_at,
        last_login_at=user.last_login_at,
    )


@app.post("/webhooks/clerk", status_code=204, response_class=Response)
async def webhook(
    request: Request, database: Annotated[AsyncSession, Depends(session)]
) -> None:
    body = await request.body()
    try:
        WEBHOOK.verify(body, dict(request.headers))
    except WebhookVerificationError as error:
        raise HTTPException(401, "invalid signature") from error
    event = json.loads(body)
    if event["type"] in ("user.created", "user.updated"):
        await write(database, event["data"])


async def write(database: AsyncSession, user: dict[str, Any]) -> None:
    addresses = user["email_addresses"]
    primary = user["primary_email_address_id"]
    email = next((one for one in addresses if one["id"] == primary), None) or next(
        iter(addresses), None
    )
    row = {
        "id": uuid.uuid4(),
        "clerk_user_id": user["id"],
        "email": email and email["email_address"],
        "email_verified": bool(email) and email["verification"]["status"] == "verified",
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "image_url": user["image_url"],
        "public_metadata": user["public_metadata"],
        "created_at": moment(user["created_at"]),
        "updated_at": moment(user["updated_at"]),
    }
    statement = insert(User).values(**row)
    kept = ("id", "clerk_user_id", "created_at")
    new = {name: statement.excluded[name] for name in row if name not in kept}
    await database.execute(
        statement.on_conflict_do_update(
            index_elements=[User.clerk_user_id],
            set_=new,
            where=User.updated_at < statement.excluded.updated_at,
        )
    )
    await database.commit()


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
