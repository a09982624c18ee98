"""Reference plugins that the daemon can do by itself: bridge with host-local, and portmap where no port is mapped.

The same configuration, the same leases on disk, the same rules and interfaces, the same result: each call may go either
way, and a pod that one way made is taken down by the other. Whatever is not understood to the last key is left to the
binary, and so is every operation but ADD and DEL.
"""
