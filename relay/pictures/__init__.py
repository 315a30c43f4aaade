"""Small pictures of what is on air, made of its newest keyframe when somebody asks."""
