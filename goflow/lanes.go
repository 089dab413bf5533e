package goflow

// lane is deliveries, by their index, that run one after the other.
type lane []int

// lanes sorts deliveries into those that may run at once: from a broker that keeps
// order each group is one lane. A delivery without a group is on its own.
func lanes(deliveries []Delivery, ordered bool) (lanes []lane) {
	groups := map[string]int{} // the lane of each
	for i := range deliveries {
		group := deliveries[i].Group
		if n, ok := groups[group]; ok {
			lanes[n] = append(lanes[n], i)
			continue
		}
		if ordered && group != "" {
			groups[group] = len(lanes)
		}
		lanes = append(lanes, lane{i})
	}
	return lanes
}
