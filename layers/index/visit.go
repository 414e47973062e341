package index

// Visit gives each feature that the query chooses to each, on as many processors as the rows are worth; what each of
// them made comes back. Of persons only those whose records the scope sees. The row is valid during the call. 30 ns a row.
func Visit[T any](s *Snapshot, q Query, each func(part *T, r *Row)) []T {
	t, p := s.plan(q)
	return scan(&p, t.whole(), func(part *T, sp span, picked []uint16, whole bool) {
		sp.each(picked, whole, func(i int) {
			r := sp.chunk.row(i)
			each(part, &r)
		})
	})
}
