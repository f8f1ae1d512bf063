package media

// The names of an original's metadata. A grant signs the values, and S3 keeps them
// with the original. [Label] reads and writes them.
const (
	PresetMetadata   = "preset"   // the preset's name
	FilenameMetadata = "filename" // the name of the client's file, percent-encoded

	privateMetadata   = "private"   // true, where the preset was private
	ownerMetadata     = "owner"     // base64url
	referenceMetadata = "reference" // base64url
)
