#!/bin/sh
# Puts the files of the image together: rootfs.sh PROGRAM FOLDER, on the system that the program was built on (glibc 2.34 or
# newer, which has name resolution within libc). Fails when a library is missing.
set -eu

program=$1
root=$2
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs" "$root/usr/share/doc/clerk-sync" "$root/var/lib"
mkdir -p -m 1777 "$root/tmp"
# Where a runtime puts its own.
mkdir -p "$root/proc" "$root/sys" "$root/dev"
cp "$program" "$root/usr/local/bin/clerk-sync"

# The libraries, and the loader, under the paths by which they are looked for.
libraries=$(ldd "$program")
if echo "$libraries" | grep 'not found' >&2; then
    exit 1
fi
echo "$libraries" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done

# Whom TLS trusts, for Clerk, the database and Redis.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'clerk-sync:x:65532:65532::/var/lib/clerk-sync:/sbin/nologin' >"$root/etc/passwd"
echo 'clerk-sync:x:65532:' >"$root/etc/group"
cp "$here/../../LICENSE-MIT" "$here/../../LICENSE-APACHE" "$root/usr/share/doc/clerk-sync/"
