package sql

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/ewkb"
)

// SRID is the reference system of every stored geometry: WGS 84.
const SRID = 4326

// registerGeometry teaches the connection PostGIS's geometry type in its binary form. Before the first migration the
// type does not exist yet; such a connection works without it.
func registerGeometry(ctx context.Context, conn *pgx.Conn) error {
	var oid uint32
	err := conn.QueryRow(ctx, `select oid from pg_type where typname = 'geometry' and typtype = 'b'`).Scan(&oid)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the geometry type: %w", err)
	}
	m := conn.TypeMap()
	t := &pgtype.Type{Name: "geometry", OID: oid, Codec: geometryCodec{}}
	m.RegisterType(t)
	for _, g := range []any{
		orb.Point{}, orb.MultiPoint{}, orb.LineString{}, orb.MultiLineString{}, orb.Polygon{}, orb.MultiPolygon{},
		orb.Collection{},
	} {
		m.RegisterDefaultPgType(g, "geometry")
	}
	return nil
}

// geometryCodec moves orb.Geometry values as EWKB.
type geometryCodec struct{}

func (geometryCodec) FormatSupported(f int16) bool { return f == pgtype.BinaryFormatCode }
func (geometryCodec) PreferredFormat() int16       { return pgtype.BinaryFormatCode }

func (geometryCodec) PlanEncode(_ *pgtype.Map, _ uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(orb.Geometry); !ok || format != pgtype.BinaryFormatCode {
		return nil
	}
	return encodeGeometry{}
}

type encodeGeometry struct{}

func (encodeGeometry) Encode(value any, buf []byte) ([]byte, error) {
	g, ok := value.(orb.Geometry)
	if !ok {
		return nil, fmt.Errorf("encode geometry: %T is none", value)
	}
	if p, ok := g.(orb.Point); ok { // by far the most frequent: no detour through a writer
		buf = append(buf, 1)
		buf = binary.LittleEndian.AppendUint32(buf, 0x20000001)
		buf = binary.LittleEndian.AppendUint32(buf, SRID)
		buf = appendFloat(buf, p[0])
		return appendFloat(buf, p[1]), nil
	}
	b, err := ewkb.Marshal(g, SRID, binary.LittleEndian)
	if err != nil {
		return nil, fmt.Errorf("encode geometry: %w", err)
	}
	return append(buf, b...), nil
}

func (geometryCodec) PlanScan(_ *pgtype.Map, _ uint32, format int16, target any) pgtype.ScanPlan {
	if format != pgtype.BinaryFormatCode {
		return nil
	}
	switch target.(type) {
	case *orb.Geometry, *orb.Point, *orb.MultiPoint, *orb.LineString, *orb.MultiLineString, *orb.Polygon,
		*orb.MultiPolygon, *orb.Collection:
		return scanGeometry{}
	}
	return nil
}

type scanGeometry struct{}

func (scanGeometry) Scan(src []byte, target any) error {
	if src == nil {
		if t, ok := target.(*orb.Geometry); ok {
			*t = nil
			return nil
		}
		return fmt.Errorf("scan geometry: null into %T", target)
	}
	g, _, err := ewkb.Unmarshal(src)
	if err != nil {
		return fmt.Errorf("scan geometry: %w", err)
	}
	ok := false
	switch t := target.(type) {
	case *orb.Geometry:
		*t, ok = g, true
	case *orb.Point:
		*t, ok = g.(orb.Point)
	case *orb.Polygon:
		*t, ok = g.(orb.Polygon)
	case *orb.MultiPolygon:
		*t, ok = g.(orb.MultiPolygon)
	case *orb.LineString:
		*t, ok = g.(orb.LineString)
	case *orb.MultiLineString:
		*t, ok = g.(orb.MultiLineString)
	case *orb.MultiPoint:
		*t, ok = g.(orb.MultiPoint)
	case *orb.Collection:
		*t, ok = g.(orb.Collection)
	}
	if !ok {
		return fmt.Errorf("scan geometry: a %s does not go into %T", g.GeoJSONType(), target)
	}
	return nil
}

func (c geometryCodec) DecodeDatabaseSQLValue(m *pgtype.Map, oid uint32, format int16, src []byte) (driver.Value, error) {
	return append([]byte(nil), src...), nil
}

func (c geometryCodec) DecodeValue(m *pgtype.Map, oid uint32, format int16, src []byte) (any, error) {
	if src == nil {
		return nil, nil
	}
	var g orb.Geometry
	err := scanGeometry{}.Scan(src, &g)
	return g, err
}

func appendFloat(buf []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(buf, math.Float64bits(f))
}
