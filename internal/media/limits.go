package media

// Limits bound originals. A file that exceeds one of them is rejected before it is decoded.
type Limits struct {
	Bytes  int64 // size of the file
	Pixels int64 // width x height, of all frames together
	Frames int   // frames of an animation; 1 for a still image
	Memory int64 // bytes that the worker may use; 0 for no limit
}

// DefaultLimits are the limits of a service that sets none: 50 MiB, 100
// megapixels, 300 frames, 3008 MiB of memory.
func DefaultLimits() Limits {
	return Limits{Bytes: 50 << 20, Pixels: 100_000_000, Frames: 300, Memory: 3008 << 20}
}

// CheckBytes rejects a file of more bytes than the limit.
func (l Limits) CheckBytes(size int64) error {
	if size > l.Bytes {
		beyond, most := BytesBeyond(size, l.Bytes)
		return Reject(TooManyBytes, "The file has %s; at most %s are accepted.", beyond, most)
	}
	return nil
}
