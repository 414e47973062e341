select st_envelope(st_transform(st_segmentize(st_makeenvelope($2, $3, $4, $5, 4326), 0.5), $1::int4))
