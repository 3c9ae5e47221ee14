"""Runs programs in containers: the only code of the engine that asks things of the kernel.

`enter` makes the sandbox that all of it happens in. `overlay` mounts layers, `inroot` works inside
a mounted root, `users` reads its accounts. `spec` says what to run, `prepare` readies a root for
it, and `runtime` runs it by crun or runc, with an init from `reaper` and a filter from `seccomp`.
`network` connects containers, `binfmt` lets them run programs of other platforms, and `certs` lets
them trust what the host trusts.
"""
