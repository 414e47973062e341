package load

// digest stands for a collection of ids: two that are equal hold the same ids, each as often, save by a chance of 2^-64.
// A stream keeps one instead of the ids, so that thousands of streams can be compared with what the database holds.
type digest struct{ n, sum, xor uint64 }

func (d *digest) add(id int64) {
	h := mix(uint64(id))
	d.n++
	d.sum += h
	d.xor ^= h
}

// join adds all that another stands for.
func (d *digest) join(o digest) {
	d.n += o.n
	d.sum += o.sum
	d.xor ^= o.xor
}

func digestOf(ids []int64) (d digest) {
	for _, id := range ids {
		d.add(id)
	}
	return d
}

// mix spreads neighbouring numbers over all 64 bits (the finalizer of SplitMix64, doi:10.1145/2714064.2660195).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
