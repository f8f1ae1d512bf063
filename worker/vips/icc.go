package vips

import (
	"encoding/binary"
	"math"
)

// icc writes an ICC profile (ICC.1:2022 §7) for color images or for grey ones.
func (p rgbProfile) icc(grey bool) []byte {
	xyz := func(v [3]float64) []byte {
		b := []byte("XYZ \x00\x00\x00\x00")
		for _, value := range v {
			b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(value*65536))))
		}
		return b
	}
	white := [3]float64{0.9642, 1, 0.8249}
	type tag struct {
		name string
		data []byte
	}
	kind := "GRAY"
	tags := []tag{{"wtpt", xyz(white)}, {"kTRC", sampleCurve(p.curves[0])}}
	if !grey {
		kind = "RGB "
		tags = tags[:1]
		for i, band := range []string{"r", "g", "b"} {
			tags = append(tags, tag{band + "XYZ", xyz(p.colors[i])}, tag{band + "TRC", sampleCurve(p.curves[i])})
		}
	}
	header := make([]byte, 128)
	header[8] = 2 // version
	copy(header[12:], "mntr"+kind+"XYZ ")
	copy(header[36:], "acsp")
	copy(header[68:], xyz(white)[8:])
	table := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	var data []byte
	for _, t := range tags {
		table = append(table, t.name...)
		table = binary.BigEndian.AppendUint32(table, uint32(len(header)+4+12*len(tags)+len(data)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(t.data)))
		data = append(data, t.data...)
	}
	profile := append(append(header, table...), data...)
	binary.BigEndian.PutUint32(profile, uint32(len(profile)))
	return profile
}

// sampleCurve writes a curve as a curveType (ICC.1:2022 §10.6).
func sampleCurve(curve func(float64) float64) []byte {
	const samples = 4096
	b := []byte("curv\x00\x00\x00\x00")
	b = binary.BigEndian.AppendUint32(b, samples)
	for i := range samples {
		light := min(max(curve(float64(i)/(samples-1)), 0), 1)
		b = binary.BigEndian.AppendUint16(b, uint16(math.Round(light*65535)))
	}
	return b
}
