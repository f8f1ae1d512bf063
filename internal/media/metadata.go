package media

// The names of an original's metadata. A grant signs the values, and S3 keeps them
// with the original.
const (
	PresetMetadata   = "preset"   // the preset's name
	FilenameMetadata = "filename" // the name of the client's file, percent-encoded
)
