"""Which file system a path is on, as far as the locks of SQLite need to know."""

from pathlib import Path

# File systems whose locks or shared memory do not reach other machines; https://sqlite.org/wal.html
# ("does not work over a network filesystem"). 9p is not among them, because sandboxes and virtual
# machines use it for local disks.
NETWORK_TYPES = frozenset(
    {
        *("afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs"),
        *("nfs", "nfs4", "ocfs2", "smb2", "smb3", "smbfs"),
        *("fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    }
)


def network_filesystem(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """The type of the network file system that holds the path, or None on a local one.

    Also None where the table of mounts cannot be read, as outside Linux.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    resolved = path.resolve()
    best, kind = -1, ""
    for line in lines:
        _, point, mounted_as, *_ = line.split(" ")
        mount = Path(_unescape(point))
        depth = len(mount.parts)
        # A later mount on the same point covers the earlier one.
        if depth >= best and resolved.is_relative_to(mount):
            best, kind = depth, mounted_as
    return kind if kind in NETWORK_TYPES else None


def _unescape(point: str) -> str:
    """Undo the octal escapes of proc(5) for space, tab, newline and backslash."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point
