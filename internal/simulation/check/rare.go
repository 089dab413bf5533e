package check

func (h *History) Rare() map[string]int { return map[string]int{} }
