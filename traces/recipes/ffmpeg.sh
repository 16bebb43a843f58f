#!/bin/sh
# Records traces/ffmpeg.trace: Debian's ffmpeg that scales a moving picture and encodes it as Motion
# JPEG, four frames at once in as many threads. What those allocate the main thread writes and frees.
# usage: traces/recipes/ffmpeg.sh [OUTPUT]
# needs: ffmpeg, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need ffmpeg

python3 "$recipes/ffmpeg_picture.py" 6000 > picture.y4m
record -- ffmpeg -v error -nostdin -i picture.y4m -vf scale=240:144,eq=contrast=1.1 \
  -c:v mjpeg -threads 4 -q:v 5 picture.avi
wc -c picture.avi >&2
