"""Who is calling, as far as the data path needs to know."""

import msgspec

EVERY_ALIAS: frozenset[str] = frozenset()


class Caller(msgspec.Struct, frozen=True):
    """The resolved identity of a request; it comes from a credential only, never from a header.

    Attributes:
        org_id: the tenant.
        team_id: the team that the key belongs to, if any.
        user_id: the user that the key belongs to, if any.
        key_id: the key itself; safe to log.
        scopes: what the key may do: ``inference``, ``models:read``, ``usage:read``.
        aliases: the public model names that the key may use; empty means all of them.
        tags: attribution of every request made with the key, as sorted (name, value) pairs.
        tier: name of the quota tier (free, pro, enterprise, ...), or None for no tier.
        cache: whether the key wants answers that were given before; None leaves it to others.
        buffered: whether the key's streams are held until they are whole.
    """

    org_id: str
    key_id: str
    team_id: str | None = None
    user_id: str | None = None
    scopes: frozenset[str] = frozenset()
    aliases: frozenset[str] = EVERY_ALIAS
    tags: tuple[tuple[str, str], ...] = ()
    tier: str | None = None
    cache: bool | None = None
    buffered: bool = False

    def may_use(self, alias: str) -> bool:
        """Whether the key's list of aliases, if it has one, contains this one."""
        return not self.aliases or alias in self.aliases
