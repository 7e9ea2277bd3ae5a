#!/bin/sh
# Builds the Dockerfile without an engine and runs the image: `make check-image`, as root, on Debian with
# buildah, debootstrap and, for arm64, qemu-user-static.
#
# ARCHITECTURES  amd64, arm64 or both
# FOLDER         scratch folder, 4 GB; bases in it are used again
# BUILD_FLAGS    further options of `buildah build`, such as volumes with certificates
set -eu

SUITE=trixie
FOLDER=${FOLDER:-/var/tmp/plate-ocr-image}
MAX_MB=350
mkdir -p "$FOLDER"
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
BUILDAH="buildah --root $FOLDER/storage --runroot $FOLDER/run"

# base ARCHITECTURE: an image of a minimal Debian
base() {
    root=$FOLDER/base-$1
    if [ ! -e "$root/done" ]; then
        rm -rf "$root"
        debootstrap --arch="$1" --variant=minbase "$SUITE" "$root"
        rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
        touch "$root/done"
    fi
    container=$($BUILDAH from --arch "$1" scratch)
    $BUILDAH add --quiet "$container" "$root" / > /dev/null
    $BUILDAH commit --quiet "$container" "base-$1" > /dev/null
    $BUILDAH rm "$container" > /dev/null
}

# build ARCHITECTURE: the image plate-ocr-ARCHITECTURE
build() {
    base "$1"
    # shellcheck disable=SC2086
    $BUILDAH build --arch "$1" --pull=never --build-arg BASE="localhost/base-$1" ${BUILD_FLAGS:-} \
        --format docker -t "plate-ocr-$1" .
}

# in_image CONTAINER COMMAND...: as the image's user
in_image() {
    container=$1
    shift
    $BUILDAH run --user 10001 "$container" -- "$@"
}

for architecture in ${ARCHITECTURES:-amd64 arm64}; do
    build "$architecture"
    container=$($BUILDAH from --pull=never "plate-ocr-$architecture")
    $BUILDAH copy --quiet "$container" data/plate.png /shots/plate.png > /dev/null
    read_as=$(in_image "$container" plate-ocr predict /shots/plate.png)
    echo "$architecture: $read_as"
    case $read_as in *皖A512T3*) ;; *) exit 1 ;; esac
    if [ "$architecture" = amd64 ]; then
        in_image "$container" sh -c 'test "$(id -u)" = 10001 && ! touch /opt/plate-ocr/x 2> /dev/null'
        # The health check of the image, against its server.
        in_image "$container" sh -c '
            PLATE_OCR_PASSWORD=check-image plate-ocr serve & server=$!
            for _ in $(seq 60); do
                sleep 1
                python3 -c "import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:8080/healthz\").status)" \
                    2> /dev/null && kill $server && exit 0
            done
            exit 1'
        rm -rf "$FOLDER/image"
        $BUILDAH push --quiet "plate-ocr-$architecture" "oci:$FOLDER/image:latest" > /dev/null
        size=$(du -sm "$FOLDER/image" | cut -f1)
        echo "$architecture: $size MB as a registry counts, $MAX_MB at most"
        test "$size" -le "$MAX_MB"
    fi
    $BUILDAH rm "$container" > /dev/null
done
