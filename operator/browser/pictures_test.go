package browser

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// pictures is where the pictures of docs/ are written, by make page-pictures.
var pictures = flag.String("pictures", "", "write pictures of the page to this folder")

// maxPicture limits a picture, in bytes.
const maxPicture = 100_000

// picture writes a picture of the whole page, if pictures are wanted.
func (p *tab) picture(name string, width int64, dark bool) {
	p.t.Helper()
	if *pictures == "" {
		return
	}
	p.view(width, dark)
	shot := result(p, chromedp.FullScreenshot(100))
	p.view(desktop, false)
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		p.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few(img)); err != nil {
		p.t.Fatal(err)
	}
	if out.Len() > maxPicture {
		p.t.Errorf("the picture %s has %d bytes, the limit is %d", name, out.Len(), maxPicture)
	}
	if err := os.WriteFile(filepath.Join(*pictures, "page-"+name+".png"), out.Bytes(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// few returns a picture in its most frequent colours, and in rarer ones that are unlike those.
func few(img image.Image) *image.Paletted {
	const colors, frequent = 64, 12
	count := map[color.RGBA]int{}
	b := img.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int { return count[b] - count[a] })
	var palette color.Palette
	for i, c := range all {
		if len(palette) < colors && (i < frequent || !slices.ContainsFunc(palette, func(p color.Color) bool { return near(c, p.(color.RGBA)) })) {
			palette = append(palette, c)
		}
	}
	out := image.NewPaletted(b, palette)
	nearest := map[color.RGBA]uint8{}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := at(x, y)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}

// near reports whether two colours are hard to tell from each other.
func near(a, b color.RGBA) bool {
	r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return r*r+g*g+bl*bl < 300
}

// A picture keeps its frequent colours and the rare ones that are unlike them.
func TestPicturesOfFewColors(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 100, 100))
	for x := range 100 {
		for y := range 100 {
			img.Set(x, y, color.RGBA{R: uint8(x), G: uint8(y), A: 255})
			if x < 50 {
				img.Set(x, y, color.White)
			}
		}
	}
	brown := color.RGBA{0x7d, 0x4e, 0, 255}
	img.Set(3, 3, brown)
	got := few(img)
	if len(got.Palette) > 64 || got.At(2, 2) != color.Color(color.RGBA{255, 255, 255, 255}) || got.At(3, 3) != color.Color(brown) {
		t.Errorf("%d colors, the white is %v and the brown %v", len(got.Palette), got.At(2, 2), got.At(3, 3))
	}
}
