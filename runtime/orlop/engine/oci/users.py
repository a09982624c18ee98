"""Which user, group and supplementary groups a container's process gets. Reading the image's files is in `accounts`."""

from orlop.engine.oci.accounts import ID_LIMIT, Accounts, PasswdEntry
from orlop.engine.oci.inputs import ResolvedUser
from orlop.model.enums import SupplementalGroupsPolicy
from orlop.model.errors import InvalidArgument
from orlop.model.security import LinuxContainerSecurityContext


def resolve_user(rootfs: str, context: LinuxContainerSecurityContext, *, image_user: str, image: str) -> ResolvedUser:
    """Decide the user from the CRI's security context, else from the image's User; image names it in errors.

    Raises InvalidArgument for a user or group that the image does not know, and for fields that contradict each other.
    """
    _check(context)
    accounts = Accounts(rootfs)
    group = ""
    if context.run_as_user is not None:
        uid, entry = context.run_as_user, accounts.user_with_id(context.run_as_user)
    elif context.run_as_username:
        uid, entry = _user(accounts, context.run_as_username, image)
    else:
        name, _, group = image_user.partition(":")
        uid, entry = _user(accounts, name, image) if name else (0, accounts.user_with_id(0))
    if context.run_as_group is not None:
        gid = context.run_as_group
    elif group:
        gid = _group(accounts, group, image)
    else:
        gid = entry.gid if entry else 0
    return ResolvedUser(
        uid=uid,
        gid=gid,
        groups=_groups(accounts, context, gid, entry),
        home=(entry.home if entry else "") or "/",
        name=entry.name if entry else "",
    )


def _check(context: LinuxContainerSecurityContext) -> None:
    if context.run_as_user is not None and context.run_as_username:
        raise InvalidArgument("run_as_user and run_as_username are both set: give only one")
    if context.run_as_group is not None and context.run_as_user is None and not context.run_as_username:
        raise InvalidArgument("run_as_group is set without run_as_user or run_as_username")
    numbers = {"run_as_user": context.run_as_user, "run_as_group": context.run_as_group}
    numbers |= {f"supplemental_groups[{index}]": gid for index, gid in enumerate(context.supplemental_groups)}
    for field, value in numbers.items():
        if value is not None and not 0 <= value < ID_LIMIT:
            raise InvalidArgument(f"{field} is out of range: {value}")


def _user(accounts: Accounts, name: str, image: str) -> tuple[int, PasswdEntry | None]:
    """A name or a number. Digits are a number always, as with the peers: the kubelet is told that number as the uid,
    and an account of that name and another uid, root's for instance, would get around runAsNonRoot."""
    if (uid := number(name)) is not None:
        return uid, accounts.user_with_id(uid)
    if entry := accounts.user(name):
        return entry.uid, entry
    raise InvalidArgument(f"user {name!r} is not in /etc/passwd of image {image!r}")


def _group(accounts: Accounts, name: str, image: str) -> int:
    if (gid := number(name)) is not None:
        return gid
    if entry := accounts.group(name):
        return entry.gid
    raise InvalidArgument(f"group {name!r} is not in /etc/group of image {image!r}")


def number(text: str) -> int | None:
    """The uid or gid that these digits are; None for a name, or a number that the kernel does not have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < ID_LIMIT else None


def _groups(
    accounts: Accounts, context: LinuxContainerSecurityContext, gid: int, entry: PasswdEntry | None
) -> tuple[int, ...]:
    """The primary group, then the image's (policy Merge only), then the requested ones; each once."""
    merge = context.supplemental_groups_policy is not SupplementalGroupsPolicy.Strict
    image_groups = accounts.memberships(entry.name) if merge and entry else ()
    return tuple(dict.fromkeys((gid, *image_groups, *context.supplemental_groups)))
